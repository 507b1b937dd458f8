/** Numbers that are the same for the same seed, on every machine: sfc32, a public-domain generator of Chris Doty-Humphrey's PractRand. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(
    private readonly seed: number,
    label = "",
  ) {
    this.a = hash(label, seed | 0);
    this.b = hash(label, Math.floor(seed / 2 ** 32) ^ 0x9e3779b9);
    this.c = hash(label, 0x85ebca6b);
    for (let warm = 0; warm < 12; warm += 1) this.next();
  }

  /** A stream of its own: what one part draws does not move what another does. */
  fork(label: string): Random {
    return new Random(this.seed, label);
  }

  /** At least 0, below 1. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  }

  /** Both ends included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.int(0, from.length - 1)];
    if (one === undefined) throw new Error("there is nothing to pick from");
    return one;
  }

  /** Many short ones, few long ones: from `least` to `most`, evenly by order of magnitude. */
  span(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.next());
  }

  /** Waiting time of a memoryless process. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }
}

function hash(text: string, start: number): number {
  let mixed = start ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
