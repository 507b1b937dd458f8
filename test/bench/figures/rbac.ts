import { runMatrix } from "../../access/matrix.js";

/** Of every call with every credential, how many are answered as the table of docs/security.md says. */
export async function rbacMatrixPercent(): Promise<number> {
  const { tried, wrong, missing } = await runMatrix();
  for (const line of [...missing, ...wrong]) process.stderr.write(`${line}\n`);
  return Math.floor((100 * (tried - wrong.length)) / (tried + missing.length));
}
