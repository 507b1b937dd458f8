import { Fault } from "../../shared/fault.js";

const allMax = 20_000;
/** Of one connection, which is one client: another has its own. */
const ofPeerMax = 10_000;

/** The calls that stay open, such as watches: each holds some memory for as long as its caller likes, so they are counted. */
export class OpenStreams {
  private all = 0;
  private readonly ofPeer = new Map<string, number>();

  /** Throws a Fault when there are too many; else to be disposed of at the end of the stream. */
  hold(peer: string): Disposable {
    const mine = this.ofPeer.get(peer) ?? 0;
    if (mine >= ofPeerMax) {
      throw new Fault(
        "resource-exhausted",
        `this connection has ${mine} open streams, the most that one may have: end some of them`,
      );
    }
    if (this.all >= allMax) {
      throw new Fault("resource-exhausted", `the coordinator has ${this.all} open streams: try again later`);
    }
    this.all += 1;
    this.ofPeer.set(peer, mine + 1);
    return { [Symbol.dispose]: () => this.release(peer) };
  }

  private release(peer: string): void {
    const mine = (this.ofPeer.get(peer) ?? 0) - 1;
    this.all -= 1;
    if (mine > 0) this.ofPeer.set(peer, mine);
    else this.ofPeer.delete(peer);
  }
}
