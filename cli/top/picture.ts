import type { Terminal } from "../world.js";

const sequence = "\u001b[";
/** Another screen than the one with the user's history, and no cursor. */
export const enter = `${sequence}?1049h${sequence}?25l`;
export const leave = `${sequence}?25h${sequence}?1049l`;

/** All lines in one write, over those of before: nothing flickers, and little goes over a slow line. */
export class Picture {
  private before: string[] = [];

  constructor(private readonly terminal: Terminal) {}

  /** After the terminal has changed its size nothing of before is where it was. */
  forget(): void {
    this.before = [];
  }

  /** What has to be written for these lines to be seen. */
  show(lines: readonly string[]): string {
    const { rows } = this.terminal.size();
    const whole = this.before.length === 0;
    let text = whole ? `${sequence}2J` : "";
    for (let row = 0; row < Math.max(lines.length, this.before.length) && row < rows; row++) {
      const line = lines[row] ?? "";
      if (!whole && line === this.before[row]) continue;
      text += `${sequence}${row + 1};1H${line}${sequence}K`;
    }
    this.before = [...lines];
    return text;
  }
}
