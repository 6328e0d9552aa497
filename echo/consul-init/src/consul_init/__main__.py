"""`python -m consul_init` is the command `consul-init`."""

import sys

from consul_init.main import main

sys.exit(main())
