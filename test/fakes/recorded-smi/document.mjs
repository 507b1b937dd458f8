// What a recorded `nvidia-smi -q -x` says, element by element, and the same with other values.

const tag = /<(\/?)([\w-]+)[^>]*?(\/?)>/g;

/** Where the content of the element at `path` (`a/b/c`, from the document's outermost elements) stands; undefined when there is none. */
export function contentOf(xml, path) {
  const wanted = path.split("/");
  const open = [];
  let from = -1;
  tag.lastIndex = 0;
  for (let found = tag.exec(xml); found; found = tag.exec(xml)) {
    const [text, closes, name, empty] = found;
    if (empty) continue;
    if (!closes) {
      open.push(name);
      if (from < 0 && open.length === wanted.length && open.every((each, at) => each === wanted[at])) {
        from = found.index + text.length;
      }
      continue;
    }
    if (from >= 0 && open.length === wanted.length) return { from, to: found.index };
    open.pop();
  }
  return undefined;
}

export function textAt(xml, path) {
  const place = contentOf(xml, path);
  return place && xml.slice(place.from, place.to);
}

/** Unchanged when the document has no such element. */
export function withText(xml, path, text) {
  const place = contentOf(xml, path);
  return place ? xml.slice(0, place.from) + text + xml.slice(place.to) : xml;
}

/** What stands before the GPUs, each of them from `<gpu ` to `</gpu>`, and what follows. */
export function partsOf(xml) {
  const gpus = [...xml.matchAll(/<gpu id=[^>]*>[\s\S]*?<\/gpu>/g)];
  const first = gpus[0];
  const last = gpus.at(-1);
  if (!first || !last) return { head: xml, gpus: [], tail: "" };
  return {
    head: xml.slice(0, first.index),
    gpus: gpus.map(([text]) => text),
    tail: xml.slice(last.index + last[0].length),
  };
}

/** Every value of a GPU but those that a driver still knows of one that it can't reach. */
export function withErrorBodies(gpu, words) {
  return gpu.replace(/<(\w+)>([^<>\n]+)<\/\1>/g, (text, name) =>
    keptNames.has(name) ? text : `<${name}>${words}</${name}>`,
  );
}

const keptNames = new Set(["product_name", "product_brand", "uuid", "minor_number", "pci_bus_id", "serial"]);
