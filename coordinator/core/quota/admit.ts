import { admitCount } from "../admission/fields.js";
import type { Quota } from "./quota.js";

const most = 1_000_000;

export function admitQuota(given: Quota): Quota {
  const limit = (name: keyof Quota) => {
    const count = given[name];
    return count === undefined ? {} : { [name]: admitCount(`quota.${name}`, count, 0, most) };
  };
  return { ...limit("clusters"), ...limit("nodes"), ...limit("gpus"), ...limit("runningJobs") };
}
