import { refuse, shown } from "../admission/fields.js";
import { announcementKinds } from "./kinds.js";

/** What every event has. */
export const commonFields = ["id", "kind", "severity", "time", "subject", "message", "missed"] as const;
/** Of the data of jobs, nodes and clusters. */
const subjectFields = ["job", "jobUuid", "experiment", "workspace", "cluster", "attempt", "node", "machineClass"];

export const templateFields: readonly string[] = [
  ...new Set([...commonFields, ...subjectFields, ...Object.values(announcementKinds).flatMap(({ fields }) => fields)]),
];

/** `$$` stands for one dollar sign. */
const place = /\$\$|\$\{([^}]*)\}|\$/g;
export const templateMax = 16 * 1024;

/** Throws a Fault that names the field which there is not. */
export function admitTemplate(path: string, template: string): string {
  if (template.trim() === "") refuse(path, "is empty");
  if (template.length > templateMax) refuse(path, `is longer than ${templateMax} characters`);
  for (const [whole, field] of template.matchAll(place)) {
    if (whole === "$$") continue;
    if (field === undefined) refuse(path, "has a dollar sign that begins no ${field}; write $$ for one as such");
    if (!templateFields.includes(field)) {
      refuse(path, `there is no field "${shown(field)}"; there are ${templateFields.join(", ")}`);
    }
  }
  return template;
}

/** A field that an event does not have is empty. */
export function filled(template: string, fields: Readonly<Record<string, string | number>>): string {
  return template.replace(place, (whole, field: string | undefined) =>
    field === undefined ? whole.slice(0, 1) : Object.hasOwn(fields, field) ? String(fields[field]) : "",
  );
}
