import { fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { decrypt, encrypt } from "../../shared/encryption.js";
import { type LeaseGrant, LeaseGrantSchema } from "../../shared/gen/stoker/v1/lease_pb.js";
import { putBack, type Taken, takeMarked } from "./marked-fields.js";

/** A grant as it is written down. */
export interface SealedGrant {
  /** Without secrets' values, when there was a key. */
  grant: JsonValue;
  /** The values, encrypted, in base64; absent when there are none. */
  sealed?: string;
}

export function sealGrant(grant: LeaseGrant, key: Buffer | undefined): SealedGrant {
  const json = toJson(LeaseGrantSchema, grant);
  if (!key) return { grant: json };
  const taken = takeMarked(LeaseGrantSchema, json as JsonObject);
  if (taken.length === 0) return { grant: json };
  return { grant: json, sealed: encrypt(key, grant.leaseId, Buffer.from(JSON.stringify(taken))).toString("base64") };
}

/** Without its secrets where no key opens them. */
export function openGrant(
  { grant, sealed }: SealedGrant,
  key: Buffer | undefined,
): { grant: LeaseGrant; whole: boolean } {
  const json = fromJson(LeaseGrantSchema, grant, { ignoreUnknownFields: true });
  const taken = sealed === undefined ? [] : key && openedWith(key, json.leaseId, sealed);
  if (!taken) return { grant: json, whole: false };
  const whole = grant as JsonObject;
  putBack(whole, taken);
  return { grant: fromJson(LeaseGrantSchema, whole, { ignoreUnknownFields: true }), whole: true };
}

function openedWith(key: Buffer, lease: string, sealed: string): Taken | undefined {
  let plain: Buffer;
  try {
    plain = decrypt(key, lease, Buffer.from(sealed, "base64"));
  } catch {
    // Of another boot's key: the file's own checksum says that it was not damaged.
    return undefined;
  }
  return JSON.parse(plain.toString()) as Taken;
}
