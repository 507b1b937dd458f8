import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { FrameCutter } from "./frame-cutter.js";
import type { FrameTurns } from "./frame-turns.js";

/**
 * A client's connection as HTTP/2 gets it: what comes is handed on some frames in each turn of the event loop, what goes out goes at once.
 * Node's HTTP/2, given the socket itself, would handle all that lies in it in one turn, up to 2 MiB.
 */
export class TurnedSocket extends Duplex {
  private readonly cutter = new FrameCutter();
  /** Read, but not handed on yet; the socket is not read meanwhile. */
  private held: Buffer | undefined;
  private hasEnded = false;

  /** The socket must allow to be half open: its end is handed on after what is held. */
  constructor(
    private readonly socket: Socket,
    private readonly turns: FrameTurns,
  ) {
    super();
    socket.on("data", (bytes: Buffer) => this.receive(bytes));
    socket.on("end", () => {
      this.hasEnded = true;
      if (this.held === undefined) this.push(null);
    });
    // That a connection breaks is no error of ours: HTTP/2 hears that it is closed.
    socket.on("error", () => this.destroy());
    socket.on("close", () => this.destroy());
  }

  private readonly mayPass = () => this.turns.take();

  private readonly goOn = () => {
    const bytes = this.held;
    if (bytes === undefined) return;
    this.held = undefined;
    this.receive(bytes);
    if (this.held !== undefined || this.destroyed) return;
    if (this.hasEnded) this.push(null);
    else if (this.readableLength === 0) this.socket.resume();
  };

  private receive(bytes: Buffer): void {
    const passed = this.cutter.pass(bytes, this.mayPass);
    if (passed < bytes.length) {
      this.held = bytes.subarray(passed);
      this.socket.pause();
      this.turns.wait(this.goOn);
    }
    if (passed > 0 && !this.push(bytes.subarray(0, passed))) this.socket.pause();
  }

  override _read(): void {
    if (this.held === undefined) this.socket.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(bytes, this.written(done));
  }

  override _writev(all: Array<{ chunk: Buffer }>, done: (error?: Error | null) => void): void {
    const last = all.length - 1;
    this.socket.cork();
    for (const [at, { chunk }] of all.entries()) this.socket.write(chunk, at === last ? this.written(done) : undefined);
    this.socket.uncork();
  }

  private written(done: (error?: Error | null) => void) {
    return (error?: Error | null) => {
      if (error) this.destroy();
      done(error);
    };
  }

  override _final(done: () => void): void {
    this.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.held = undefined;
    this.socket.destroy();
    done(error);
  }
}
