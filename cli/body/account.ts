import { create } from "@bufbuild/protobuf";
import { type UserAccountSettings, UserAccountSettingsSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { usage } from "../failure.js";

export interface AccountFlags {
  userName?: string | undefined;
  sshKey?: string | undefined;
  password?: string | undefined;
  /** What an account gets that is asked for without them, as `az batchai` did it. */
  defaults?: { userName: string; sshKey: string | undefined };
}

/** An admin account with what flags say put over it. None is made when nobody asks for one. */
export function accountOf(
  given: UserAccountSettings | undefined,
  flags: AccountFlags,
): UserAccountSettings | undefined {
  const { userName, sshKey, password, defaults } = flags;
  if (userName === undefined && sshKey === undefined && password === undefined) return given;
  const account = given ?? create(UserAccountSettingsSchema);
  if (userName !== undefined) account.adminUserName = userName;
  if (sshKey !== undefined) account.adminUserSshPublicKey = sshKey;
  if (password !== undefined) account.adminUserPassword = password;
  account.adminUserName ||= defaults?.userName ?? "";
  if (account.adminUserPassword === "" && account.adminUserSshPublicKey === "") {
    if (defaults && defaults.sshKey === undefined) {
      throw usage("the admin account has neither key nor password: give --ssh-key, --generate-ssh-keys or --password");
    }
    account.adminUserSshPublicKey = defaults?.sshKey ?? "";
  }
  return account;
}
