import { create } from "@bufbuild/protobuf";
import { type UserAccountSettings, UserAccountSettingsSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";

export interface AccountFlags {
  userName?: string | undefined;
  sshKey?: string | undefined;
  password?: string | undefined;
}

/** An admin account with what flags say put over it. */
export function accountOf(
  given: UserAccountSettings | undefined,
  flags: AccountFlags,
): UserAccountSettings | undefined {
  const { userName, sshKey, password } = flags;
  if (userName === undefined && sshKey === undefined && password === undefined) return given;
  const account = given ?? create(UserAccountSettingsSchema);
  if (userName !== undefined) account.adminUserName = userName;
  if (sshKey !== undefined) account.adminUserSshPublicKey = sshKey;
  if (password !== undefined) account.adminUserPassword = password;
  return account;
}
