/**
 * The file that tells the watchdog until when a lease's processes may run. agent/native/fence.h describes it and reads it; both must change
 * together. Everything is text of fixed length, so that a deadline is written in place: no new file is needed, which a full disk would refuse.
 */
export interface Fence {
  policy: string;
  bootId: string;
  /** The lease's control group; undefined where processes are stopped one by one. */
  group: string | undefined;
  /** By the machine's clock that counts sleep; undefined when no slot is whole. */
  until: number | undefined;
  /** Of that slot. */
  sequence: number;
  /** The watchdog's mark: when it froze them. */
  frozenSince: number | undefined;
}

const headBytes = 576;
const lineBytes = 64;
const fileBytes = headBytes + 3 * lineBytes;
/** What a group's path may have, with room for a zero. */
export const groupPathMax = 447;

export function wholeFence(head: Pick<Fence, "policy" | "bootId" | "group">, until: number): Buffer {
  const { policy, bootId } = head;
  const group = head.group ?? "-";
  const body = `${policy} ${bootId} ${group}`;
  return Buffer.from(
    [
      line(`stoker-fence 1 ${policy} ${bootId} ${sumOf(body)} ${group}`, headBytes),
      slotText(0, 0),
      slotText(until, 1),
      line("", lineBytes),
    ].join(""),
  );
}

/** Where a slot goes: never over the newest one, so that a torn write leaves that. */
export const slotAt = (sequence: number) => headBytes + (sequence % 2) * lineBytes;

export const slot = (until: number, sequence: number) => Buffer.from(slotText(until, sequence));

/** Undefined for a text that is no fence. */
export function readFence(bytes: Buffer): Fence | undefined {
  const text = bytes.toString("latin1");
  const [, policy, bootId, sum, group] = /^stoker-fence 1 (\S+) (\S+) ([0-9a-f]{8}) (\S+) *\n/.exec(text) ?? [];
  if (text.length !== fileBytes || policy === undefined || bootId === undefined || group === undefined)
    return undefined;
  if (sumOf(`${policy} ${bootId} ${group}`) !== sum) return undefined;
  const slots = [0, 1].flatMap((index) => readSlot(text.slice(slotAt(index), slotAt(index) + lineBytes)) ?? []);
  const newest = slots.sort((one, other) => other.sequence - one.sequence)[0];
  const since = /^frozen (\d+) /.exec(text.slice(slotAt(0) + 2 * lineBytes));
  return {
    policy,
    bootId,
    group: group === "-" ? undefined : group,
    until: newest?.until,
    sequence: newest?.sequence ?? 0,
    frozenSince: since ? Number(since[1]) : undefined,
  };
}

function readSlot(text: string): { until: number; sequence: number } | undefined {
  const [, body, until, sequence, sum] = /^((\d{20}) (\d{20})) ([0-9a-f]{8}) *\n$/.exec(text) ?? [];
  return body !== undefined && sumOf(body) === sum ? { until: Number(until), sequence: Number(sequence) } : undefined;
}

function slotText(until: number, sequence: number): string {
  const body = `${digits(until)} ${digits(sequence)}`;
  return line(`${body} ${sumOf(body)}`, lineBytes);
}

const digits = (value: number) => String(Math.max(0, Math.ceil(value))).padStart(20, "0");
const line = (text: string, bytes: number) => `${text.padEnd(bytes - 1, " ")}\n`;

/** FNV-1a, in hexadecimal. */
function sumOf(text: string): string {
  let sum = 2_166_136_261;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 16_777_619) >>> 0;
  return sum.toString(16).padStart(8, "0");
}
