import type { RoleAssignment } from "../../core/access/user.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const roleAssignmentTable: TableShape<RoleAssignment> = {
  name: "role_assignment",
  key: ["user", "workspace"],
  keyText: "user || ' ' || workspace",
  columns: { user: text(), workspace: text(), role: text(), grantedAt: integer },
};
