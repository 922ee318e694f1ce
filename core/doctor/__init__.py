"""We look a workspace over here: what it holds, what is damaged, what was left behind, what nobody refers to; and mend that."""
