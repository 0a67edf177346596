// The SDK has the hosts of the service built in. Loaded before it, this module leads its requests to the local sandbox,
// and lets none out of the machine.

import net from 'node:net';
import tls from 'node:tls';

const variables = ['API_KEY', 'API_URL', 'SYNC_URL', 'EVENTS_URL', 'SIGNED_URL_BASE', 'SIGNED_URL_SECRET']
  .map(name => `CLOUDCONVERT_${name}`);
const missing = variables.filter(name => !process.env[name]);
if (missing.length > 0) {
  throw new Error(`not set: ${missing.join(', ')}; start examples/sandbox and set what it prints`);
}

const api = new URL(process.env.CLOUDCONVERT_API_URL);
const sync = new URL(process.env.CLOUDCONVERT_SYNC_URL);

const hosts = new Map([
  ['api.cloudconvert.com', api],
  ['eu-central.api.cloudconvert.com', api],
  ['us-east.api.cloudconvert.com', api],
  ['api.sandbox.cloudconvert.com', api],
  ['sync.api.cloudconvert.com', sync],
  ['eu-central.sync.api.cloudconvert.com', sync],
  ['us-east.sync.api.cloudconvert.com', sync],
  ['sync.api.sandbox.cloudconvert.com', sync]
]);

function local(address) {
  const base = hosts.get(address.hostname);
  if (base) {
    return new URL(base.href + address.href.slice(`${address.origin}/v2`.length));
  }
  if (address.hostname === '127.0.0.1' || address.hostname === 'localhost') {
    return address;
  }
  throw new Error(`the referee must not leave this machine: ${address.origin}`);
}

const fetch = globalThis.fetch;

globalThis.fetch = async (address, options) => fetch(local(new URL(address)), options);

// The event socket does not use fetch, and knows nothing but TLS.
const events = new URL(process.env.CLOUDCONVERT_EVENTS_URL);

tls.connect = ({ host }) => {
  if (host !== 'socketio.cloudconvert.com' && host !== 'socketio.sandbox.cloudconvert.com') {
    throw new Error(`the referee must not leave this machine: ${host}`);
  }
  return net.connect({ host: events.hostname, port: events.port });
};
