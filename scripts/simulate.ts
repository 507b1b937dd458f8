import { main } from "../test/simulation/main.js";

process.exitCode = await main(process.argv.slice(2));
