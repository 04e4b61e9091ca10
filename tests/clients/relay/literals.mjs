// Lets Node load what relay-compiler made of graphql`…`, as a bundler with babel-plugin-relay does.
import { transformAsync } from "@babel/core";
import relay from "babel-plugin-relay";

const plugins = [[relay, { eagerEsModules: true }]];

export const resolve = (specifier, context, next) =>
  next(specifier.endsWith(".graphql") ? `${specifier}.js` : specifier, context);

export const load = async (url, context, next) => {
  const loaded = await next(url, context);
  if (!url.endsWith("/relay/heroes.js")) return loaded;
  const { code } = await transformAsync(String(loaded.source), { filename: new URL(url).pathname, plugins });
  return { ...loaded, source: code };
};
