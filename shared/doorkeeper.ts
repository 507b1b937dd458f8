import type { Metadata, ServerInterceptor } from "@grpc/grpc-js";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import { peerHeader } from "./grpc.js";
import { toWire } from "./status.js";

/**
 * Refuses a call before anything of its message is read, so that who has no token costs nothing, and tells the others' handlers where it comes
 * from. `isOpen`: paths of calls for everybody.
 */
export function doorkeeper(
  guard: (metadata: Metadata) => void,
  isOpen: (path: string) => boolean,
  report: (error: unknown) => void,
  peer: string,
): ServerInterceptor {
  return (method, call) => {
    if (isOpen(method.path)) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, onward) => {
            try {
              guard(metadata);
            } catch (error) {
              call.sendStatus(toWire(error, report));
              return;
            }
            metadata.set(peerHeader, peer);
            onward(metadata);
          },
        }),
    });
  };
}
