//! Who else uses the server. Every connection of windlass bears a name with its process in it.

/// The name of a connection of this process: `windlass-<role>-<process>`. The server counts its users by these names.
#[must_use]
pub fn client_name(role: &str) -> String {
    format!("windlass-{role}-{}", std::process::id())
}

/// The other living windlass processes in the answer to CLIENT LIST, each once.
pub(super) fn others(client_list: &str, own: u32, alive: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut others: Vec<u32> =
        client_list.lines().filter_map(process_of).filter(|&pid| pid != own && alive(pid)).collect();
    others.sort_unstable();
    others.dedup();
    others
}

/// Whether a process exists.
pub(super) fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    // "Not permitted" is a process of another user.
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

fn process_of(line: &str) -> Option<u32> {
    let name = line.split(' ').find_map(|field| field.strip_prefix("name="))?;
    name.strip_prefix("windlass-")?.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
id=3 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 fd=8 name=windlass-engine-100 age=1 idle=0 flags=U db=0 cmd=xreadgroup
id=4 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 fd=9 name=windlass-cockpit-view-100 age=1 idle=0 flags=U db=0 cmd=get
id=5 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 fd=10 name=windlass-engine-200 age=1 idle=0 flags=U db=0 cmd=get
id=6 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 fd=11 name=windlass-engine-300 age=1 idle=0 flags=U db=0 cmd=get
id=7 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 fd=12 name= age=1 idle=0 flags=U db=0 cmd=client|list
id=8 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 fd=13 name=somebody-400 age=1 idle=0 flags=U db=0 cmd=get
";

    #[test]
    fn others_are_living_windlass_processes_but_not_this_one() {
        assert_eq!(others(LIST, 200, |pid| pid != 300), [100]);
        assert_eq!(others(LIST, 100, |_| true), [200, 300]);
        assert!(others("", 1, |_| true).is_empty());
    }

    #[test]
    fn our_own_name_is_understood() {
        let line = format!("id=1 name={} age=0", client_name("store"));
        assert_eq!(process_of(&line), Some(std::process::id()));
    }

    #[test]
    fn processes_live_and_die() {
        assert!(is_alive(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(child.id()));
        assert!(!is_alive(0));
    }
}
