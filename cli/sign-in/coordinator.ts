import { timingSafeEqual } from "node:crypto";
import { plain, trusting } from "../../shared/credentials.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { type Connection, connect, type ServiceClient } from "../../shared/grpc.js";
import { presentedAuthority } from "../../shared/pinned-authority.js";
import type { Call } from "../call.js";
import { exitCode, Failure, usage } from "../failure.js";
import type { Profile } from "../settings.js";
import { authorityOf } from "../trust.js";

/** To a coordinator that this machine may have never spoken with. */
export interface Greeting {
  signIn: ServiceClient<typeof SignInService>;
  connection: Connection;
  /** For the profile. */
  trust: Pick<Profile, "authority" | "authorityFile" | "tls">;
}

/** `known`: what the profile of this address says of it. */
export async function greet(call: Call, address: string, known: Profile): Promise<Greeting> {
  const trust = await trustFor(call, address, known);
  const authority = authorityOf(trust);
  const connection = connect(address, authority === undefined ? plain() : trusting({ authority }));
  return { connection, signIn: connection.client(SignInService), trust };
}

async function trustFor(call: Call, address: string, known: Profile): Promise<Greeting["trust"]> {
  const pin = call.text("pin");
  if (known.tls === "off") return { tls: "off" };
  if (pin === undefined && known.authority !== undefined) return { authority: known.authority };
  if (pin === undefined && known.authorityFile !== undefined) return { authorityFile: known.authorityFile };
  const presented = await presentedAuthority(address);
  const fingerprint = presented.pin.toString("hex");
  if (pin !== undefined) {
    const asked = Buffer.from(pin.replaceAll(":", ""), "hex");
    if (asked.length !== presented.pin.length || !timingSafeEqual(asked, presented.pin)) {
      throw new Failure(
        exitCode.unreachable,
        `what answers at ${address} has the fingerprint ${fingerprint}, not the one of --pin: check the address`,
      );
    }
    return { authority: presented.certificate };
  }
  if (!call.world.isInteractive) {
    throw usage(
      `the authority of ${address} has the fingerprint ${fingerprint}: when an administrator's says the same, give it with --pin`,
    );
  }
  await call.notice(`the authority of ${address} has the fingerprint ${fingerprint}`);
  const question = "Does an administrator say the same? [y/N] ";
  const answer = await call.world.ask(question, new AbortController().signal);
  if (/^y(es)?$/i.test(answer.trim())) return { authority: presented.certificate };
  throw new Failure(exitCode.failed, "nothing was sent; ask an administrator for the fingerprint");
}
