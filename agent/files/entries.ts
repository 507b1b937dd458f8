import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type FileEntry, FileEntrySchema, FileType } from "../../shared/gen/stoker/v1/relay_pb.js";

const types: Record<string, FileType> = { f: FileType.FILE, d: FileType.DIRECTORY };

/** What `stoker-shim list` writes. A name that is no UTF-8 is shown with what stands for that; it can't be asked for. */
export function parseEntries(text: Buffer): FileEntry[] {
  return text
    .toString()
    .split("\0")
    .flatMap((line) => {
      const [, type, size, time, name] = /^([fdo]) (\d+) (-?\d+\.\d{9}) (.*)$/s.exec(line) ?? [];
      if (type === undefined || name === undefined) return [];
      const broken = name.includes("\ufffd");
      return create(FileEntrySchema, {
        name,
        type: broken ? FileType.OTHER : (types[type] ?? FileType.OTHER),
        size: BigInt(size ?? 0),
        modifiedTime: timestamp(time ?? "0.0"),
      });
    });
}

export interface Head {
  size: bigint;
  modifiedTime: Timestamp;
  etag: string;
  offset: bigint;
}

/** The first that `stoker-shim read` writes. */
export function parseHead(text: string): Head {
  const [size = "", time = "", identity = "", offset = ""] = text.split(" ");
  return {
    size: BigInt(size),
    modifiedTime: timestamp(time),
    etag: `${identity}-${size}-${time.replace(".", "")}`,
    offset: BigInt(offset),
  };
}

function timestamp(text: string): Timestamp {
  const [seconds = "0", nanos = "0"] = text.split(".");
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: Number(nanos) });
}
