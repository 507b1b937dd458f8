export interface Tally {
  passed: number;
  failed: number;
}

/** What vitest's JSON report says; a run that failed for anything but a test, such as a file that did not load, counts as a failure. */
export function tallyOf(report: string | undefined, status: number): Tally {
  if (report === undefined) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests } = JSON.parse(report) as { numPassedTests: number; numFailedTests: number };
  if (!Number.isInteger(numPassedTests) || !Number.isInteger(numFailedTests)) return { passed: 0, failed: 1 };
  return { passed: numPassedTests, failed: status !== 0 && numFailedTests === 0 ? 1 : numFailedTests };
}
