/** A terminal, or what stands for one. */
export interface Progress {
  write(text: string): unknown;
}

const everyBytes = 64 * 2 ** 20;

/** Tells how far it has come, on one line; nothing without a terminal. */
export function progressTo(terminal: Progress | undefined, totalBytes: number, what: string): (bytes: number) => void {
  let done = 0;
  let shown = -everyBytes;
  return (bytes) => {
    done += bytes;
    if (!terminal || (done - shown < everyBytes && done < totalBytes)) return;
    shown = done;
    const mebibytes = (count: number) => Math.round(count / 2 ** 20);
    terminal.write(`\r${mebibytes(done)} of ${mebibytes(totalBytes)} MiB ${what}${done >= totalBytes ? "\n" : ""}`);
  };
}
