import { XMLParser } from "fast-xml-parser";
import { unreadNames } from "./unread.js";

/** An element of the document, found by paths: names move between versions and cards, so nothing may rest on an element being there. */
export class Element {
  constructor(private readonly content: unknown) {}

  /** The text of the first of `paths` that has one. */
  text(...paths: readonly string[]): string | undefined {
    for (const path of paths) {
      const found = this.at(path);
      if (typeof found === "string") return found;
    }
    return undefined;
  }

  child(path: string): Element {
    return new Element(this.at(path));
  }

  children(name: string): Element[] {
    const found = this.at(name);
    return Array.isArray(found) ? found.map((content) => new Element(content)) : [];
  }

  /** Names and texts of the elements in it, those with elements of their own left out. */
  entries(): Array<readonly [name: string, text: string]> {
    if (!isRecord(this.content)) return [];
    return Object.entries(this.content).flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : []));
  }

  attribute(name: string): string | undefined {
    return this.text(`@${name}`);
  }

  private at(path: string): unknown {
    let found: unknown = this.content;
    for (const name of path.split("/")) {
      if (!isRecord(found) || !Object.hasOwn(found, name)) return undefined;
      found = found[name];
    }
    return found;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const lists = new Set(["gpu", "process_info", "mig_device"]);
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  isArray: (name) => lists.has(name),
});

const unread = new RegExp(`<(${unreadNames.join("|")})>`, "g");

/** Each name's end is looked for onward only, and no more when there is none: a broken document of megabytes is read no slower. */
function withoutUnread(text: string): string {
  const endless = new Set<string>();
  const kept: string[] = [];
  let from = 0;
  unread.lastIndex = 0;
  for (let found = unread.exec(text); found; found = unread.exec(text)) {
    const name = found[1] ?? "";
    const end = endless.has(name) ? -1 : text.indexOf(`</${name}>`, found.index);
    if (end < 0) {
      endless.add(name);
      continue;
    }
    kept.push(text.slice(from, found.index));
    from = end + name.length + 3;
    unread.lastIndex = from;
  }
  return kept.join("") + text.slice(from);
}

/** Throws when it is not well formed. */
export const parseXml = (text: string): Element => new Element(parser.parse(withoutUnread(text)));
