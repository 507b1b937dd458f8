/** A runtime's words as they come → whole lines for people, without colours, repeats or bars that only move. */
export class Lines {
  private rest = { stdout: "", stderr: "" };
  private told = 0;
  private last = "";

  constructor(
    private readonly tell: (line: string) => void,
    private readonly most = 400,
  ) {}

  hear(stream: "stdout" | "stderr", text: string): void {
    const lines = (this.rest[stream] + text).split(/[\r\n]/);
    this.rest[stream] = (lines.pop() ?? "").slice(-lineMax);
    for (const line of lines) this.say(line);
  }

  end(): void {
    for (const stream of ["stdout", "stderr"] as const) this.say(this.rest[stream]);
    this.rest = { stdout: "", stderr: "" };
  }

  private say(line: string): void {
    const plain = line.replace(escapes, "").trim().slice(0, lineMax);
    if (plain === "" || plain === this.last || this.told >= this.most) return;
    this.last = plain;
    this.told += 1;
    this.tell(this.told === this.most ? "… (no more of it is told)" : plain);
  }
}

const lineMax = 500;
const escapeCharacter = String.fromCharCode(27);
const escapes = new RegExp(`${escapeCharacter}\\[[0-9;?]*[A-Za-z]`, "g");
