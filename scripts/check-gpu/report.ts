/** What was found, line by line as it is found. */
export class Report {
  private failures = 0;
  private lines: string[] = [];

  constructor(private readonly say: (line: string) => void) {}

  heading(text: string): void {
    this.put(`\n${text}`);
  }

  ok(what: string): void {
    this.put(`  ok    ${what}`);
  }

  fail(what: string): void {
    this.failures += 1;
    this.put(`  FAIL  ${what}`);
  }

  /** Neither: this machine can't show it. */
  note(what: string): void {
    this.put(`  -     ${what}`);
  }

  judge(isGood: boolean, what: string): void {
    if (isGood) this.ok(what);
    else this.fail(what);
  }

  get failed(): number {
    return this.failures;
  }

  get text(): string {
    return `${this.lines.join("\n")}\n`;
  }

  private put(line: string): void {
    this.lines.push(line);
    this.say(line);
  }
}
