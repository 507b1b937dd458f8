const token = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[}\]])/g;

/** JSON without comments and trailing commas; what stands in strings stays. Lines keep their numbers. */
export function withoutComments(text: string): string {
  return text.replace(token, (match) => (match.startsWith('"') ? match : match.replace(/[^\n]/g, " ")));
}
