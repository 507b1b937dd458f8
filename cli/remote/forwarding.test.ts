import { expect, test } from "vitest";
import { parseForwarding } from "./forwarding.js";

test.each([
  ["8888:localhost:6006", "127.0.0.1", 8888, "localhost", 6006],
  ["0.0.0.0:80:10.0.0.4:8080", "0.0.0.0", 80, "10.0.0.4", 8080],
  ["[::1]:8888:[fe80::1]:22", "::1", 8888, "fe80::1", 22],
  ["0:db.lab:5432", "127.0.0.1", 0, "db.lab", 5432],
  [":8888:localhost:6006", "127.0.0.1", 8888, "localhost", 6006],
])("-L %s", (text, bind, port, host, hostPort) => {
  expect(parseForwarding(text)).toEqual({ bind, port, host, hostPort });
});

test.each(["", "8888", "8888:localhost", "x:localhost:1", "70000:localhost:1", "1:localhost:0", "1::2", "a:b:c:d"])(
  "-L %j is refused with an example",
  (text) => expect(() => parseForwarding(text)).toThrow(/such as 8888:localhost:6006/),
);
