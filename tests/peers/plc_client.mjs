// A client of node-opcua that reads and writes a simulated PLC.
//   node plc_client.mjs <endpoint URL> <PKI folder>
// Prints one JSON object with what it found.
import process from "node:process";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { AttributeIds, DataType, OPCUAClient } from "node-opcua-client";

const [url, rootFolder] = process.argv.slice(2);
const clientCertificateManager = new OPCUACertificateManager({ rootFolder, disableFileWatchers: true });
const client = OPCUAClient.create({
  endpointMustExist: false, clientCertificateManager, connectionStrategy: { maxRetry: 0 },
});
await client.connect(url);
const session = await client.createSession();
const namespaces = await session.readNamespaceArray();
const index = namespaces.indexOf("http://www.siemens.com/simatic-s7-opcua");
const id = (...parts) => `ns=${index};s=${["DB_Reactor", ...parts].map((part) => `"${part}"`).join(".")}`;
const read = async (...parts) => await session.read({ nodeId: id(...parts), attributeId: AttributeIds.Value });
const write = async (dataType, value, ...parts) =>
  (await session.write({ nodeId: id(...parts), attributeId: AttributeIds.Value, value: { value: { dataType, value } } }))
    .name;

const temperature = await read("Temp", "PV");
const found = {
  index,
  serial: (await read("Plc", "SerialNumber")).value.value,
  temperature: temperature.value.value,
  type: DataType[temperature.value.dataType],
  status: temperature.statusCode.name,
  dated: temperature.sourceTimestamp instanceof Date,
  written: await write(DataType.Float, 33.5, "Heater", "OP"),
  wrongType: await write(DataType.Double, 44.5, "Heater", "OP"),
  readOnly: await write(DataType.Float, 1, "Temp", "PV"),
  missing: (await read("No", "Such")).statusCode.name,
};
found.heater = (await read("Heater", "OP")).value.value;
await session.close();
await client.disconnect();
console.log(JSON.stringify(found));
process.exit(0);
