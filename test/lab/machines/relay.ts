import { connect, createServer } from "node:net";

/**
 * `relay SOCKET HOST PORT`: whoever connects to the socket, a file, is connected to the port by this process, which is started at a place of
 * the lab's network; the lab's own process is not there.
 */
const [socket, host, port] = process.argv.slice(2);
if (socket === undefined || host === undefined) throw new Error("relay takes a socket, a host and a port");

createServer((client) => {
  const server = connect({ host, port: Number(port) });
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.pipe(to);
    // What one end did not outlive, the other doesn't either.
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}).listen(socket);
