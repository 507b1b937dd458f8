/**
 * A PCI address in the one form that the XML, the CSV and the kernel's log can be compared in: lower case `dddd:bb:dd`, without function; the
 * domain has its four last digits, or all eight when the others are not zero.
 */
export function busId(text: string | undefined): string | undefined {
  const match = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})(?:\.[0-7])?$/i.exec(text?.trim() ?? "");
  if (!match) return undefined;
  const [, domain = "0000", bus = "", device = ""] = match;
  const whole = domain.toLowerCase().padStart(8, "0");
  const shown = whole.startsWith("0000") ? whole.slice(4) : whole;
  return `${shown}:${bus.toLowerCase()}:${device.toLowerCase()}`;
}
