import { expect, test } from "vitest";
import { whyUnreachable } from "./unreachable.js";

test.each([
  [
    "No connection established. Last error: Error: certificate is not yet valid. Resolution note: ",
    /^its certificate is not yet valid by this machine's clock, which says 2.*timedatectl set-ntp true$/,
  ],
  [
    "No connection established. Last error: Error: certificate has expired",
    /certificate has expired by this machine's/,
  ],
  ["getaddrinfo EAI_AGAIN nosuch.lab", /^the name nosuch\.lab has no address here: .*\/etc\/hosts$/],
  ["Name resolution failed for target dns:x: getaddrinfo ENOTFOUND x", /^the name x has no address here/],
  [
    "80:error:0A000460:SSL routines:ssl3_read_bytes:tlsv1 alert no application protocol:../deps/rec_layer_s3.c:1601:\n",
    /^what answers there is no coordinator: is the port right\?$/,
  ],
  ["error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:x", /^what .* does not speak TLS$/],
  ["connect ECONNREFUSED 10.0.0.1:9", /^connect ECONNREFUSED 10\.0\.0\.1:9$/],
])("%s", (message, words) => {
  expect(whyUnreachable(message)).toMatch(words);
});
