#pragma once

// The agent's Node.js raised its own limit to all that is allowed. Launchers close that many files one by one, which takes them up to a
// minute; so what is started for users begins with a modest limit, and may raise it as far as before.
void lower_file_limit(void);
