import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { changePassword } from "./change-password.js";
import { createCertificate } from "./create-certificate.js";
import { createToken } from "./create-token.js";
import { createUser } from "./create-user.js";
import { deleteUser } from "./delete-user.js";
import { getUser } from "./get-user.js";
import { listTokens } from "./list-tokens.js";
import { listUsers } from "./list-users.js";
import { renewCertificate } from "./renew-certificate.js";
import { revokeToken } from "./revoke-token.js";
import { setPassword } from "./set-password.js";
import { updateUser } from "./update-user.js";

export const userHandlers = (ports: ApiPorts): Handlers<typeof UserService> => ({
  createUser: createUser(ports),
  getUser: getUser(ports),
  listUsers: listUsers(ports),
  updateUser: updateUser(ports),
  setPassword: setPassword(ports),
  changePassword: changePassword(ports),
  deleteUser: deleteUser(ports),
  createToken: createToken(ports),
  createCertificate: createCertificate(ports),
  renewCertificate: renewCertificate(ports),
  listTokens: listTokens(ports),
  revokeToken: revokeToken(ports),
});
