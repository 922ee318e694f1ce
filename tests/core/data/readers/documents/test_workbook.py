"""Old workbooks (.xls): those that end the process of whoever reads them, or never end, are one sentence."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest

from core.data.readers.documents.sheets import list_sheets
from core.errors import InputError

# Two sheets of five rows with texts, numbers and formulas, as an old spreadsheet program writes them.
OLD = zlib.decompress(
    base64.b85decode(
        "c-rllJ!lj`6vzKFySIC%m&;vDghU8Oz^E}rE=ggNoW_q-hNy+2f+prbNl4_lLM=2J(+GlKrPu`0*hFpoK=Grq5F%O#f{-W{VkIb8Bw63QoxR(b"
        "Epnj2$i8LX&b~J@zuB32Gk5!XIyEzKuWlB<Nhb^}I5Aj0o1hf)9+Dux<EX56k5Y0%Syd8?(nMMjJg#_Ut2tEjJqwAu<_prmM@mO=8a*S!x%3K3"
        "7x$r0s6KQElh&TZElLU0a=)rrpJ2U?^&Kwzg!Oi|TxH!sWoN`;OlNzVw&`_zNH(x9L0aGe*LlyD3~KOFt>X*Vgj+U(9r;szL;t3u-i%`sG;`g#"
        ";at9NXa?0Zg_HQ<q=D~VtUgbN_La2@kp1UkyB%P^E=^z*&T*j@;y5kHou(Ux2Tta4g%)LbX8SCeIb5N(fHiI^<jxe*Ep&Y;J!DD`8NVmv_q6&w"
        "t$t6N-_z#zwEI2n+5>kBNiNz#Dmbv>qz6#R`4op&k`9Tv+uz>o?eEPVW6LNX8}8w<QH=&1TvRovasuA50w_-t*VxMX61Td6^L4DNDJbaP*juAB"
        "d&aoTW%f2wJ8dj)vzvVR&6FSiy6<8A_^0d^%1?FAo~xdEmz_WZ9d-j$UtMEp7R}=34JD7V-d*Tz=mYE8C0kNdCUxH(eS%hEo@Wj;9!lINH9G43"
        "&r9_r^;lWd1JE&?q69u#-A3ZrrPfZpKo^adVu%2SV20ET!3;w)1T&6Emmz`~LNR2KAp;na8K!2qvmDV3$&7@44;jpmieVHPMgYTLhNT$>Gi=Q;"
        "n6cJ&8AdR}Pz<xkFasDSGoqSdG9#uLCNt{vdzirtQ!ye%hQ;$%Vmzf*EpAoKh$>+(DG_H|N|*V}b7rwkqElAkz8Y*g*h&({UKo2}?5#-bAt?4j"
        "2_=+JR<#J;<e;~I@DZZ6P+Nc3nWwZ6ekS>EWj{vfD$w83-592O9%sv1KkE?@URz?Bb-eF|N)8e|k3sZvKL*QQzw{$e_}^#Q6_bB1gv#YFl+(|@"
        "%>M;?7+y~"
    )
)
# Bytes for which the library asks for two gigabytes.
DAMAGE = {788: 255, 789: 255, 950: 0, 951: 128, 2594: 255, 2595: 127, 2682: 255, 2683: 127}


def test_old_workbooks_are_read_apart() -> None:
    sheets = list_sheets(OLD, Path("old.xls"))
    assert [(name, rows[1][:3]) for name, rows in sheets] == [
        (f"Sheet{n}", ["text 1 0 é", "text 1 1 é", "1.5"]) for n in (0, 1)
    ]
    damaged = bytearray(OLD)
    for place, value in DAMAGE.items():
        damaged[place] = value
    with pytest.raises(InputError, match="is not a readable spreadsheet"):
        list_sheets(bytes(damaged), Path("old.xls"))
