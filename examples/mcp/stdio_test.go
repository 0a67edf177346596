package main

// childVariable makes the test binary the command.
const childVariable = "MCP_TEST_CHILD"
