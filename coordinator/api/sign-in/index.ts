import type { SignInService } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { getCaller } from "./get-caller.js";
import { getSignInOptions } from "./get-sign-in-options.js";
import { signIn } from "./sign-in.js";
import { signInWithIdToken } from "./sign-in-with-id-token.js";
import { signOut } from "./sign-out.js";

export const signInHandlers = (ports: ApiPorts): Handlers<typeof SignInService> => ({
  getSignInOptions: getSignInOptions(ports),
  signIn: signIn(ports),
  signInWithIdToken: signInWithIdToken(ports),
  signOut: signOut(ports),
  getCaller: getCaller(ports),
});
