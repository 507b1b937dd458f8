const prefaceBytes = 24;
const headerBytes = 9;
const lengthBytes = 3;

/** Follows where frames begin in what a client of HTTP/2 sends. Bytes that are no frames pass too: judging them is the server's part. */
export class FrameCutter {
  /** Of the frame, or of the preface, that is passing. */
  private bodyLeft = prefaceBytes;
  private headerSeen = 0;
  private length = 0;

  /** How many of the bytes may pass: up to the first frame that `take` refuses. */
  pass(bytes: Uint8Array, take: () => boolean): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.bodyLeft > 0) {
        const step = Math.min(this.bodyLeft, bytes.length - at);
        this.bodyLeft -= step;
        at += step;
      } else {
        if (this.headerSeen === 0 && !take()) break;
        this.passHeader(bytes[at] ?? 0);
        at += 1;
      }
    }
    return at;
  }

  private passHeader(byte: number): void {
    if (this.headerSeen < lengthBytes) this.length = this.length * 256 + byte;
    this.headerSeen += 1;
    if (this.headerSeen < headerBytes) return;
    this.bodyLeft = this.length;
    this.headerSeen = 0;
    this.length = 0;
  }
}
