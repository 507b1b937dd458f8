import type { ServerInterceptor } from "@grpc/grpc-js";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import { type Access, type CallerConnection, introduce } from "./caller.js";
import { peerHeader } from "./grpc.js";
import { toWire } from "./status.js";

/**
 * Refuses a call before anything of its message is read, so that who may not call costs nothing, and tells the others' handlers who calls and
 * where from. `isOpen`: paths of calls for everybody.
 */
export function doorkeeper(
  access: Access,
  isOpen: (path: string) => boolean,
  report: (error: unknown) => void,
  connection: CallerConnection,
): ServerInterceptor {
  return (method, call) => {
    if (isOpen(method.path)) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, onward) => {
            try {
              const asked = { connection, metadata, path: method.path };
              const caller = access.identify(asked);
              access.permit(caller, asked);
              introduce(metadata, caller);
            } catch (error) {
              call.sendStatus(toWire(error, report));
              return;
            }
            metadata.set(peerHeader, connection.peer);
            onward(metadata);
          },
        }),
    });
  };
}
