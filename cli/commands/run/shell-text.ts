/** Words of a command line as shell text: one word is a script as it stands, several are a program and its arguments. */
export function shellText(words: readonly string[]): string {
  if (words.length === 1) return words[0] ?? "";
  return words.map(quoted).join(" ");
}

const plainWord = /^[-\w./:=@%+,]+$/;
const quoted = (word: string) => (plainWord.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
