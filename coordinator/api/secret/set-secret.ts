import { Fault } from "../../../shared/fault.js";
import type { SecretService } from "../../../shared/gen/stoker/v1/secret_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { admitClean } from "../../core/admission/fields.js";
import { findWorkspace } from "../../core/names.js";
import { admitSecretName } from "../../core/secrets/reference.js";
import { secretKey } from "../../core/secrets/secret.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { secretView } from "../views/secret.js";

/** The value ends here: what the core is told, and what is stored, is sealed. */
export function setSecret(ports: ApiPorts): Handlers<typeof SecretService>["setSecret"] {
  return async ({ parent, name, value }, context) => {
    const workspace = findWorkspace(ports.state(), parent).uuid;
    admitSecretName("name", name);
    if (value === "") throw new Fault("invalid-argument", "value: is empty; a secret has at least one character");
    admitClean("value", value);
    const sealed = ports.seal(secretKey(workspace, name), value);
    const subject = await ports.ask({ kind: "secret-set", workspace, name, sealed }, context);
    const state = ports.state();
    return { secret: secretView(state, made(state.secrets, subject)) };
  };
}
