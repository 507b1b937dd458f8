import { type Check, fail, type Told } from "./finding.js";

/** One check that hangs must not keep the others from being told. */
const checkMs = 60_000;

/** All at once, told in the order of the list. */
export async function examine<World>(checks: ReadonlyArray<Check<World>>, world: World): Promise<Told[]> {
  const told = await Promise.all(checks.map((check) => look(check, world)));
  return told.flat();
}

async function look<World>(check: Check<World>, world: World): Promise<Told[]> {
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    limit = setTimeout(() => resolve("late"), checkMs);
  });
  try {
    const found = await Promise.race([check.look(world), late]);
    if (found === undefined) return [];
    const all =
      found === "late"
        ? [fail(`it could not be looked at within ${checkMs / 1_000} s: something hangs`, "dmesg | tail")]
        : [found].flat();
    return all.map((finding) => ({ check: check.name, ...finding }));
  } finally {
    clearTimeout(limit);
  }
}
