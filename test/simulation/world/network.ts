import type { Random } from "./random.js";
import type { Timeline } from "./timeline.js";

/** One direction between two machines. */
export class Link {
  /** Nothing passes; what was sent waits, as TCP would send it again. */
  cut = 0;
  /** Added to every message's way. */
  slowMs = 0;
  private readonly healed = new Set<() => void>();

  constructor(
    readonly from: string,
    readonly to: string,
  ) {}

  open(): void {
    this.cut -= 1;
    if (this.cut > 0) return;
    const waiting = [...this.healed];
    this.healed.clear();
    for (const go of waiting) go();
  }

  whenOpen(go: () => void): void {
    this.healed.add(go);
  }
}

/** All directions between all machines, made when first used. */
export class Network {
  private readonly links = new Map<string, Link>();
  /** Messages on their way, in streams and as datagrams. */
  inFlight = 0;

  constructor(
    readonly timeline: Timeline,
    private readonly random: Random,
    private readonly jitter: boolean,
  ) {}

  link(from: string, to: string): Link {
    const key = `${from} ${to}`;
    const link = this.links.get(key) ?? new Link(from, to);
    this.links.set(key, link);
    return link;
  }

  delayMs(link: Link): number {
    if (!this.jitter) return link.slowMs + 1;
    return link.slowMs + 0.2 + this.random.next() * (this.random.chance(0.02) ? 60 : 2);
  }

  retryMs(): number {
    return this.random.span(20, 1_500);
  }

  /** May be lost, come twice or out of order; where the way is cut it is lost. */
  datagram(from: string, to: string, deliver: () => void): void {
    const link = this.link(from, to);
    const copies = this.random.chance(0.03) ? 0 : this.random.chance(0.03) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.inFlight += 1;
      // Some wait in a queue for as long as a permit lasts.
      const late = this.random.chance(0.01) ? this.random.span(100, 20_000) : 0;
      this.timeline.after(this.delayMs(link) + late, `datagram ${from} → ${to}`, () => {
        this.inFlight -= 1;
        if (link.cut === 0) deliver();
      });
    }
  }

  pipe(from: string, to: string): Pipe {
    return new Pipe(this, this.link(from, to));
  }
}

/** One direction of a connection: in order, each message once, late rather than never; and an end, after which nothing comes. */
export class Pipe {
  private readonly queue: Array<{ readyAt: number; deliver: () => void }> = [];
  private last = 0;
  private moving = false;
  private closed = false;

  constructor(
    private readonly network: Network,
    private readonly link: Link,
  ) {}

  send(deliver: () => void): void {
    if (this.closed) return;
    const { timeline } = this.network;
    this.last = Math.max(this.last, timeline.now + this.network.delayMs(this.link));
    this.queue.push({ readyAt: this.last, deliver });
    this.network.inFlight += 1;
    this.move();
  }

  /** The last thing that comes. */
  end(deliver: () => void): void {
    this.send(deliver);
    this.closed = true;
  }

  /** What is under way never arrives, and nobody is told. */
  drop(): void {
    this.closed = true;
    this.network.inFlight -= this.queue.length;
    this.queue.length = 0;
  }

  private move(): void {
    const first = this.queue[0];
    if (this.moving || first === undefined) return;
    this.moving = true;
    this.network.timeline.at(first.readyAt, `${this.link.from} → ${this.link.to}`, () => this.arrive());
  }

  private arrive(): void {
    if (this.link.cut > 0) {
      this.link.whenOpen(() =>
        this.network.timeline.after(this.network.retryMs(), `${this.link.from} → ${this.link.to} again`, () =>
          this.arrive(),
        ),
      );
      return;
    }
    const { now } = this.network.timeline;
    for (let first = this.queue[0]; first !== undefined && first.readyAt <= now; first = this.queue[0]) {
      this.queue.shift();
      this.network.inFlight -= 1;
      first.deliver();
    }
    this.moving = false;
    this.move();
  }
}
