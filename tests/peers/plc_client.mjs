// A client of node-opcua that reads and writes a simulated PLC.
//   node plc_client.mjs <endpoint URL> <PKI folder> [<certificate.pem> <key.pem> [<user> <password>]]
// With a certificate over Basic256Sha256, signed and encrypted; the folder says whom it trusts.
// Prints one JSON object with what it found, or with why it was not let in.
import process from "node:process";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import {
  AttributeIds, DataType, MessageSecurityMode, OPCUAClient, SecurityPolicy, UserTokenType,
} from "node-opcua-client";

const [url, rootFolder, certificateFile, privateKeyFile, userName, password] = process.argv.slice(2);
const clientCertificateManager = new OPCUACertificateManager({ rootFolder, disableFileWatchers: true });
await clientCertificateManager.initialize();
const secured = certificateFile && {
  certificateFile, privateKeyFile,
  securityPolicy: SecurityPolicy.Basic256Sha256, securityMode: MessageSecurityMode.SignAndEncrypt,
};
const client = OPCUAClient.create({
  endpointMustExist: false, clientCertificateManager, connectionStrategy: { maxRetry: 0 }, ...secured,
});
let session;
try {
  await client.connect(url);
  const anonymous = { type: UserTokenType.Anonymous };
  session = await client.createSession(userName ? { type: UserTokenType.UserName, userName, password } : anonymous);
} catch (error) {
  console.log(JSON.stringify({ refused: error.message }));
  process.exit(0);
}
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
