// Plays tbot by the official Connect client: one event in each encoding, and one that has to be refused.
// Arguments: the receiver's address, the version of HTTP, and the path of the service's descriptors.
import { readFileSync } from "node:fs";

import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";

const [baseUrl, httpVersion, descriptors] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const service = registry.getService("prehog.v1alpha.TbotReportingService");
const schema = registry.getMessage("prehog.v1alpha.SubmitTbotEventRequest");
const start = registry.getMessage("prehog.v1alpha.TbotStartEvent");

const event = (version) =>
  create(schema, {
    distinctId: crypto.randomUUID(),
    event: { case: "start", value: create(start, { runMode: 1, version, destinationsOther: 1 }) },
  });
const client = (createTransport, options) => createClient(service, createTransport({ baseUrl, httpVersion, ...options }));

const binary = client(createConnectTransport, { useBinaryFormat: true });
await binary.submitTbotEvent(event("1.0.0"));
await client(createConnectTransport, { useBinaryFormat: false }).submitTbotEvent(event("2.0.0"));
await client(createConnectTransport, {
  useBinaryFormat: true,
  sendCompression: compressionGzip,
  compressMinBytes: 0,
}).submitTbotEvent(event("3.0.0"), { timeoutMs: 5000 });
await client(createGrpcWebTransport, {}).submitTbotEvent(event("4.0.0"));

const refused = await binary.submitTbotEvent(create(schema, { distinctId: "no session" })).catch((error) => error);
if (!(refused instanceof ConnectError && refused.code === Code.InvalidArgument)) {
  throw new Error(`expected invalid_argument, not ${refused}`);
}
