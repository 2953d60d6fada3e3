// Reads a list of LogQL queries as JSON from stdin, and prints a list of where each has an error.
import { readFileSync } from "node:fs";
import { parser } from "@grafana/lezer-logql";

const errors = JSON.parse(readFileSync(0, "utf8")).map((query) => {
  const found = [];
  parser.parse(query).iterate({ enter: (node) => void (node.type.isError && found.push(node.from)) });
  return found;
});
console.log(JSON.stringify(errors));
