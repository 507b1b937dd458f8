import fc from "fast-check";

/** What texts go wrong with: quotes, newlines, blanks, NUL, halves of letters, paths that lead out, names of what every object has. */
const troubles = [
  ...[
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\t",
    "'",
    '"',
    "`",
    "\\",
    "$",
    "$(touch x)",
    "${",
    "${HOME}",
    "%",
    "%s%n",
    "-rf",
    "--",
  ],
  ...[
    "..",
    "../..",
    "/",
    "//",
    "/etc/passwd",
    "a/../b",
    ".",
    "~",
    "C:\\",
    "*",
    "?",
    "[",
    "{",
    "&",
    ";",
    "|",
    "<",
    ">",
    "#",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "NaN",
    "Infinity",
    "-0",
    "1e999",
    "0x10",
    "null",
    "undefined",
  ],
  ...[
    "\u{1f600}",
    "\u{1f600}".repeat(60),
    `${"a".repeat(76)}\u{1f600}\u{1f600}\u{1f600}`,
    "\ufffd",
    "\ufeff",
    "\u202e",
    "é",
    "e\u0301",
  ],
  ...["true", "yes", "P7D", "PT1H", "7.00:00:00", "16g", "1.5T", "workspaces/w", "nodes/n", "c"],
] as const;

export const trouble = fc.constantFrom(...troubles);

/** Long runs of a few letters are what makes a careless pattern slow. */
const longRun = (most: number) =>
  fc
    .tuple(
      fc.constantFrom(
        "a",
        "/",
        "9",
        " ",
        "-",
        ".",
        "workspaces/",
        "/nodes/",
        "[",
        "$A",
        "%",
        "'",
        "\n",
        "=",
        ",",
        "P",
        ":",
      ),
      fc.integer({ min: 1, max: most }),
      fc.constantFrom("", "x", "\n", "!", "]", "/"),
    )
    .map(([piece, count, end]) => `${piece.repeat(Math.ceil(count / piece.length))}${end}`);

/** Any text that a message can carry: whole letters only. */
export const text = (most = 300): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: trouble },
    { weight: 3, arbitrary: fc.string({ maxLength: 40 }) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
    { weight: 2, arbitrary: fc.array(trouble, { maxLength: 5 }).map((parts) => parts.join("")) },
    { weight: 1, arbitrary: longRun(most) },
  );

/** Of the size that a message may have. */
export const hugeText = longRun(2_000_000);
