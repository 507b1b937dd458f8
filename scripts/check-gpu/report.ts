export type Verdict = "ok" | "FAIL" | "skipped";

/** What was found, line by line as it is found, step by step. */
export class Report {
  private readonly steps: Array<{ name: string; failures: number; passed: number; skipped: number }> = [];
  private readonly lines: string[] = [];

  constructor(private readonly say: (line: string) => void) {}

  /** What comes next belongs to it. */
  step(name: string): void {
    this.steps.push({ name, failures: 0, passed: 0, skipped: 0 });
    this.put(`\n${name}`);
  }

  ok(what: string): void {
    this.count("passed");
    this.put(`  ok    ${what}`);
  }

  fail(what: string): void {
    this.count("failures");
    this.put(`  FAIL  ${what}`);
  }

  /** It can't be looked at here, and that is nobody's fault. */
  skip(what: string, why: string): void {
    this.count("skipped");
    this.put(`  skip  ${what}: skipped, because ${why}`);
  }

  /** Neither: worth knowing. */
  note(what: string): void {
    this.put(`  -     ${what}`);
  }

  judge(isGood: boolean, what: string): void {
    if (isGood) this.ok(what);
    else this.fail(what);
  }

  get failed(): number {
    return this.steps.reduce((sum, { failures }) => sum + failures, 0);
  }

  get verdicts(): Array<{ name: string; verdict: Verdict }> {
    return this.steps.map(({ name, failures, passed }) => ({
      name,
      verdict: failures > 0 ? "FAIL" : passed > 0 ? "ok" : "skipped",
    }));
  }

  /** The verdict of each step. */
  end(): void {
    this.put("");
    for (const { name, verdict } of this.verdicts) this.put(`${verdict.padEnd(8)}${name}`);
    const skipped = this.steps.reduce((sum, step) => sum + step.skipped, 0);
    const but = skipped === 0 ? "" : `, but for ${skipped} thing${skipped === 1 ? "" : "s"} that had to be skipped`;
    this.put(this.failed === 0 ? `All is well${but}.` : `${this.failed} things are not as they should be.`);
  }

  get text(): string {
    return `${this.lines.join("\n")}\n`;
  }

  private count(what: "failures" | "passed" | "skipped"): void {
    const step = this.steps.at(-1);
    if (step) step[what] += 1;
  }

  private put(line: string): void {
    this.lines.push(line);
    this.say(line);
  }
}
