"""We answer a typed query here, through systems whose indexes stay in memory."""
