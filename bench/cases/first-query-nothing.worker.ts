/** The start and the end of node. */
process.exit(0)
