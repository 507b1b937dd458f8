import { mistake } from "./shape.js";

const dotNet = /^(?:(\d{1,5})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$/;
const iso = /^P(?=\d|T\d)(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/;

/** A duration as ISO 8601; files also hold .NET's `[days.]hh:mm:ss`. */
export function isoDuration(text: string, path: string): string {
  if (iso.test(text)) return text;
  const [, days, hours, minutes, seconds] = dotNet.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) {
    throw mistake(path, "a duration such as PT1H30M or 7.00:00:00", text);
  }
  const time = `${part(hours, "H")}${part(minutes, "M")}${part(seconds, "S")}`;
  return `P${part(days, "D")}${time ? `T${time}` : ""}`.replace(/^P$/, "PT0S");
}

const part = (digits: string | undefined, unit: string) => (Number(digits ?? 0) > 0 ? `${Number(digits)}${unit}` : "");
