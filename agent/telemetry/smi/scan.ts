/** What an element holds: its text, or other elements by name. Of several with one name the first counts, but for those in `lists`. */
export type Content = string | Branch;
export type Branch = Map<string, Content | Branch[]>;

/** Come more than once. */
const lists: ReadonlySet<string> = new Set(["gpu", "process_info", "mig_device"]);
/** Written by users, and by nvidia-smi as it is: `<`, `&` and all. */
const raw = "process_name";
const root = "nvidia_smi_log";

interface Open {
  readonly name: string;
  readonly branch: Branch;
  readonly parent: Open | undefined;
}

/**
 * The document that begins at `from`, in one pass; undefined when it has no end, or when it can't be told which GPU a value is of. What else is
 * amiss costs the values that it befalls: an element without its end ends with the one around it. Elements in `unread` are passed over.
 */
export function scan(text: string, from: number, unread: ReadonlySet<string>): Branch | undefined {
  const ends = new Ends(text);
  let open: Open | undefined;
  let at = from;
  for (;;) {
    const begin = text.indexOf("<", at);
    if (begin < 0) return undefined;
    const passed = afterNoElement(text, begin);
    const end = passed ?? text.indexOf(">", begin);
    if (end < 0) return undefined;
    at = end + 1;
    if (passed !== undefined) continue;
    if (text.charCodeAt(begin + 1) === slash) {
      const name = text.slice(begin + 2, end).trimEnd();
      if (name === root) return open?.name === root || !isWithin(open, "gpu") ? rootOf(open) : undefined;
      open = closed(open, name);
      continue;
    }
    const { name, attributes, empty } = tagOf(text.slice(begin + 1, end));
    if (open && !lists.has(name)) {
      const after = !unread.has(name) ? undefined : empty ? at : ends.after(name, at);
      if (after !== undefined) {
        at = after;
        continue;
      }
      const to = empty ? at : textEnd(text, at, name);
      if (to < 0 && name === raw) return undefined;
      if (to >= 0) {
        put(open.branch, name, empty ? "" : withoutEntities(text.slice(at, to)));
        if (!empty) at = to + name.length + 3;
        continue;
      }
    }
    if (name === "gpu") {
      if (isWithin(open, "gpu")) return undefined;
      while (open?.parent) open = closed(open, open.name);
    }
    open = { name, branch: attributes, parent: open };
    if (empty) open = closed(open, name);
  }
}

const slash = 47;

/** The end of a comment, of text that is no markup, or of an instruction; undefined when an element begins or ends here. */
function afterNoElement(text: string, begin: number): number | undefined {
  const sign = text.charCodeAt(begin + 1);
  if (sign === 63) return lastOf(text, "?>", begin);
  if (sign !== 33) return undefined;
  if (text.startsWith("<!--", begin)) return lastOf(text, "-->", begin);
  return text.startsWith("<![CDATA[", begin) ? lastOf(text, "]]>", begin) : lastOf(text, ">", begin);
}

function lastOf(text: string, words: string, from: number): number {
  const found = text.indexOf(words, from);
  return found < 0 ? -1 : found + words.length - 1;
}

/** Where elements end that nobody reads. A name that ends nowhere is not looked for again: a broken document of megabytes is read no slower. */
class Ends {
  private readonly endless = new Set<string>();
  private gpuEnd = -1;

  constructor(private readonly text: string) {}

  /** Behind its end; undefined when it has none within its GPU: what follows is another's. */
  after(name: string, from: number): number | undefined {
    if (this.endless.has(name)) return undefined;
    const end = this.text.indexOf(`</${name}>`, from);
    if (end < 0) this.endless.add(name);
    return end < 0 || end > this.endOfGpu(from) ? undefined : end + name.length + 3;
  }

  private endOfGpu(from: number): number {
    if (this.gpuEnd < from) {
      const end = this.text.indexOf("</gpu>", from);
      this.gpuEnd = end < 0 ? this.text.length : end;
    }
    return this.gpuEnd;
  }
}

/** Where the text of an element ends that holds nothing else; -1 when it does. */
function textEnd(text: string, from: number, name: string): number {
  if (name === raw) return text.indexOf(`</${raw}>`, from);
  const next = text.indexOf("<", from);
  const ends =
    next >= 0 &&
    text.charCodeAt(next + 1) === slash &&
    text.startsWith(name, next + 2) &&
    text.charCodeAt(next + 2 + name.length) === 62;
  return ends ? next : -1;
}

/** `gpu id="00000000:53:00.0"`; attributes are kept as if they were elements, with an @ before their names. */
function tagOf(tag: string): { name: string; attributes: Branch; empty: boolean } {
  const empty = tag.endsWith("/");
  const space = tag.search(/\s/);
  const attributes: Branch = new Map();
  if (space < 0) return { name: empty ? tag.slice(0, -1) : tag, attributes, empty };
  for (const [, name = "", , value = ""] of tag.matchAll(/([\w:-]+)\s*=\s*(["'])(.*?)\2/g))
    attributes.set(`@${name}`, value);
  return { name: tag.slice(0, space), attributes, empty };
}

function isWithin(open: Open | undefined, name: string): boolean {
  for (let each = open; each; each = each.parent) if (each.name === name) return true;
  return false;
}

/** After the end of `name`: what was left open in it ends with it. An end of nothing is none; and no GPU ends with anything but itself. */
function closed(open: Open | undefined, name: string): Open | undefined {
  for (let each = open; each; each = each.parent) {
    if (each.name === name) {
      for (let inner = open; inner && inner !== each.parent; inner = inner.parent) attach(inner);
      return each.parent ?? each;
    }
    if (each.name === "gpu") return open;
  }
  return open;
}

function attach({ name, branch, parent }: Open): void {
  if (parent) put(parent.branch, name, branch);
}

function put(branch: Branch, name: string, content: Content): void {
  const there = branch.get(name);
  if (there === undefined) branch.set(name, lists.has(name) ? [asBranch(content)] : content);
  else if (Array.isArray(there)) there.push(asBranch(content));
}

const asBranch = (content: Content): Branch => (typeof content === "string" ? new Map() : content);

function rootOf(open: Open | undefined): Branch | undefined {
  let each = open;
  while (each?.parent) {
    attach(each);
    each = each.parent;
  }
  return each?.branch;
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

const withoutEntities = (text: string): string =>
  text.includes("&")
    ? text.replace(/&(lt|gt|amp|quot|apos);/g, (whole, name: string) => entities[name] ?? whole)
    : text;
