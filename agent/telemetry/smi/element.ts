import { type Branch, type Content, scan } from "./scan.js";
import { unreadNames } from "./unread.js";

/** An element of the document, found by paths: names move between versions and cards, so nothing may rest on an element being there. */
export class Element {
  constructor(private readonly content: Content | Branch[] | undefined) {}

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
    if (!(this.content instanceof Map)) return [];
    return [...this.content].flatMap(([name, text]) => (typeof text === "string" ? [[name, text] as const] : []));
  }

  /** All texts in it, those of `except` left out. */
  texts(except: ReadonlySet<string>): string[] {
    return textsIn(this.content, except);
  }

  attribute(name: string): string | undefined {
    return this.text(`@${name}`);
  }

  private at(path: string): Content | Branch[] | undefined {
    let found = this.content;
    for (const name of path.split("/")) {
      if (!(found instanceof Map)) return undefined;
      found = found.get(name);
    }
    return found;
  }
}

function textsIn(content: Content | Branch[] | undefined, except: ReadonlySet<string>): string[] {
  if (content === undefined) return [];
  if (typeof content === "string") return [content];
  if (Array.isArray(content)) return content.flatMap((each) => textsIn(each, except));
  return [...content].flatMap(([name, inner]) => (except.has(name) ? [] : textsIn(inner, except)));
}

const unread: ReadonlySet<string> = new Set(unreadNames);
const nothing: ReadonlySet<string> = new Set();

/** The `nvidia_smi_log` that begins at `from`; undefined when it is broken. `whole`: with all that nobody asks for. */
export function parseXml(text: string, from: number, whole: boolean): Element | undefined {
  const branch = scan(text, from, whole ? nothing : unread);
  return branch && new Element(branch);
}
