import { Fault } from "../../shared/fault.js";
import type { Node } from "../../shared/gen/stoker/v1/node_pb.js";
import { isTransient } from "../failure.js";
import { present, type Session } from "../session.js";
import { Courses } from "../top/courses.js";
import { clipped, type Frame, frame, type Looking } from "../top/frame.js";
import { keysIn, pressed } from "../top/keys.js";
import { enter, leave, Picture } from "../top/picture.js";
import type { Verb } from "../verb.js";
import type { Terminal } from "../world.js";

const everyMs = 1_000;
const plainColumns = 160;
const plainRows = 10_000;

export const top: Verb = {
  name: "top",
  description:
    "The lab as it works: nodes, their GPUs over the last minute, and what waits and why; arrows move, d shows more or less, q ends it",
  example: "stoker top",
  options: [{ flags: "--once", description: "One picture, as plain text" }],
  async run(call) {
    const session = await call.session();
    const { terminal } = call.world;
    if (call.flag("once")) {
      const { status, nodes } = await look(session);
      const courses = new Courses();
      courses.add(nodes);
      const { lines } = frame(status, nodes, courses, { columns: plainColumns, rows: plainRows });
      await call.world.out(`${lines.join("\n")}\n`);
      return undefined;
    }
    if (!terminal || terminal.type === "dumb") {
      const what = terminal ? "a terminal whose cursor can be moved, and TERM is dumb" : "a terminal";
      throw new Fault("failed-precondition", `top needs ${what}; stoker top --once gives one picture as text`);
    }
    await watch(session, terminal, call.world);
    return undefined;
  },
};

async function look(session: Session) {
  const [{ status }, nodes] = await Promise.all([session.status.getStatus({}, session.limits), allNodes(session)]);
  return { status: present(status, "status"), nodes };
}

async function allNodes(session: Session): Promise<Node[]> {
  const nodes: Node[] = [];
  for (let pageToken = ""; ; ) {
    const page = await session.nodes.listNodes({ pageToken, brief: true }, session.limits);
    nodes.push(...page.nodes);
    if (page.nextPageToken === "") return nodes;
    pageToken = page.nextPageToken;
  }
}

async function watch(session: Session, terminal: Terminal, world: Parameters<Verb["run"]>[0]["world"]): Promise<void> {
  const picture = new Picture(terminal);
  const input = world.input();
  const cooked = terminal.raw();
  const view = new View(session, terminal);
  let ended = false;
  let wake: () => void = () => undefined;
  const end = () => {
    ended = true;
    wake();
  };
  const draw = () => world.out(picture.show(view.lines()));
  const still = terminal.onResize(() => {
    picture.forget();
    void draw();
  });
  const heedless = world.onInterrupt(end);
  const heed = (key: string) => {
    if (view.press(key) === "end") end();
    else void draw();
  };
  void eachKey(input.chunks, heed, () => ended);
  await world.out(enter);
  try {
    while (!ended) {
      await view.look();
      if (!ended) await draw();
      if (!ended) await pause((done) => (wake = done));
    }
  } finally {
    await world.out(leave);
    for (const undo of [cooked, still, heedless]) undo();
    input.close();
  }
}

/** What was last seen of the lab, and which part of it is shown. */
class View {
  private readonly courses = new Courses();
  private seen: Awaited<ReturnType<typeof look>> | undefined;
  private looking: Looking = { from: 0 };
  private shown: Omit<Frame, "lines"> = { from: 0, page: 1, short: false };
  private trouble = "";

  constructor(
    private readonly session: Session,
    private readonly terminal: Terminal,
  ) {}

  /** A coordinator that is away for a while comes back by itself; one that was never there is a mistake. */
  async look(): Promise<void> {
    try {
      this.seen = await look(this.session);
      this.trouble = "";
      this.courses.add(this.seen.nodes);
    } catch (error) {
      const isPassing = isTransient(error) || (error instanceof Fault && error.code === "deadline-exceeded");
      if (!isPassing || !this.seen) throw error;
      this.trouble ||= `! no answer from the coordinator since ${new Date().toTimeString().slice(0, 8)}: this is what was seen last`;
    }
  }

  press(key: string): "end" | undefined {
    const next = pressed(key, this.looking, this.shown);
    if (next === "end") return "end";
    if (next) this.looking = next;
    return undefined;
  }

  lines(): string[] {
    const size = this.terminal.size();
    if (!this.seen) return [clipped("waiting for the coordinator", size.columns)];
    const { status, nodes } = this.seen;
    const { lines, ...shown } = frame(status, nodes, this.courses, size, this.looking);
    this.shown = shown;
    this.looking = { ...this.looking, from: shown.from };
    return this.trouble === "" ? lines : [clipped(this.trouble, size.columns), ...lines.slice(1)];
  }
}

/** Until it has ended: then nobody reads what is typed, and the reading breaks off. */
async function eachKey(
  chunks: AsyncIterable<Uint8Array>,
  heed: (key: string) => void,
  ended: () => boolean,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      for (const key of keysIn(Buffer.from(chunk).toString("latin1"))) heed(key);
      if (ended()) return;
    }
  } catch (error) {
    if (!ended()) throw error;
  }
}

function pause(ready: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, everyMs);
    ready(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
