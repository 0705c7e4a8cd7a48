//! The sections of a codebook file.

use crate::error::{FormatErrorKind, Result};
use crate::format::Tag;
use crate::format::frame::{Frame, Section};
use bytemuck::{Pod, Zeroable};
use colidx_cluster::Group;

pub(super) const CENTROIDS: Tag = Tag(*b"CENT");
pub(super) const STEPS: Tag = Tag(*b"STEP");
pub(super) const CELLS: Tag = Tag(*b"CELL");
pub(super) const CENTRES: Tag = Tag(*b"CCEN");
pub(super) const GRAPH: Tag = Tag(*b"GRPH");
pub(super) const GROUPS: Tag = Tag(*b"GRUP");
pub(super) const MEMBERS: Tag = Tag(*b"MEMB");
pub(super) const WEIGHTS: Tag = Tag(*b"WGHT");
pub(super) const GAIN_VALUES: Tag = Tag(*b"GAIN");
pub(super) const SCALES: Tag = Tag(*b"SCAL");
pub(super) const FIT: Tag = Tag(*b"FIT.");

/// One vocabulary group as it is stored.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GroupRecord {
    pub token_id: u32,
    pub first: u32,
    pub len: u32,
}

impl From<&Group> for GroupRecord {
    fn from(group: &Group) -> Self {
        Self {
            token_id: group.token_id,
            first: group.first,
            len: group.len,
        }
    }
}

impl From<&GroupRecord> for Group {
    fn from(record: &GroupRecord) -> Self {
        Self {
            token_id: record.token_id,
            first: record.first,
            len: record.len,
        }
    }
}

/// Every centroid serves one vocabulary id: groups follow each other.
pub(super) fn check_groups(frame: &Frame, count: usize) -> Result<Section<GroupRecord>> {
    let groups = frame.section::<GroupRecord>(GROUPS)?;
    let mut expected = 0u64;
    let mut last = None;
    for g in groups.iter() {
        let ascending = last.is_none_or(|last| last < g.token_id);
        if u64::from(g.first) != expected || !ascending || g.len == 0 {
            return Err(frame.error(FormatErrorKind::invalid(
                GROUPS,
                format!("group of token {}", g.token_id),
                format!("tokens ascending, first member {expected}, at least one"),
                format!("first member {}, {} of them", g.first, g.len),
            )));
        }
        expected += u64::from(g.len);
        last = Some(g.token_id);
    }
    if expected != count as u64 {
        return Err(frame.error(FormatErrorKind::invalid(
            GROUPS,
            "centroids in all groups",
            count,
            expected,
        )));
    }
    Ok(groups)
}

/// Every centroid is named once.
pub(super) fn check_members(frame: &Frame, count: usize) -> Result<()> {
    let mut seen = vec![false; count];
    for &member in frame.section_of::<u32>(MEMBERS, count as u64)?.iter() {
        let fresh = seen.get_mut(member as usize).filter(|seen| !**seen);
        let Some(fresh) = fresh else {
            return Err(frame.error(FormatErrorKind::invalid(
                MEMBERS,
                "centroids of all groups",
                format!("each below {count} once"),
                member,
            )));
        };
        *fresh = true;
    }
    Ok(())
}
